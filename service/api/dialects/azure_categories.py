"""The categories of personal data of Azure AI Language: those that this server finds, and all others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from seqserve.errors import InputError
from seqserve.quoting import cut
from seqserve.text.pii.table import PiiKind

OF_RULES: Mapping[PiiKind, str] = {
    "email": "Email",
    "iban": "InternationalBankingAccountNumber",
    "card": "CreditCardNumber",
    "ip_address": "IPAddress",
    "phone": "PhoneNumber",
}
DEFAULT = frozenset({"Person", "Organization", *OF_RULES.values()})
SERVED = DEFAULT | {"Location"}
"""Location is returned on request only, as a place alone identifies nobody."""
GROUPS: Mapping[str, frozenset[str]] = {"All": SERVED, "Default": DEFAULT}
"""Names of several categories, with those of them that are found."""

_OTHERS = """
ABARoutingNumber ARNationalIdentityNumber ATIdentityCard ATTaxIdentificationNumber
ATValueAddedTaxNumber AUBankAccountNumber AUBusinessNumber AUCompanyNumber
AUDriversLicenseNumber AUMedicalAccountNumber AUPassportNumber AUTaxFileNumber Address Age
Airport AzureDocumentDBAuthKey AzureIAASDatabaseConnectionAndSQLString AzureIoTConnectionString
AzurePublishSettingPassword AzureRedisCacheString AzureSAS AzureServiceBusString
AzureStorageAccountGeneric AzureStorageAccountKey BENationalNumber BENationalNumberV2
BEValueAddedTaxNumber BGUniformCivilNumber BRCPFNumber BRLegalEntityNumber BRNationalIDRG
BankAccountNumber CABankAccountNumber CADriversLicenseNumber CAHealthServiceNumber
CAPassportNumber CAPersonalHealthIdentification CASocialIdentificationNumber
CASocialInsuranceNumber CHSocialSecurityNumber CLIdentityCardNumber CNResidentIdentityCardNumber
CVV CYIdentityCard CYTaxIdentificationNumber CZPersonalIdentityNumber CZPersonalIdentityV2 City
DEDriversLicenseNumber DEIdentityCardNumber DEPassportNumber DETaxIdentificationNumber
DEValueAddedNumber DKPersonalIdentificationNumber DKPersonalIdentificationV2 Date DateOfBirth
DriversLicenseNumber DrugEnforcementAgencyNumber EEPersonalIdentificationCode ESDNI
ESSocialSecurityNumber ESTaxIdentificationNumber EUDebitCardNumber EUDriversLicenseNumber
EUGPSCoordinates EUNationalIdentificationNumber EUPassportNumber EUSocialSecurityNumber
EUTaxIdentificationNumber ExpirationDate FIEuropeanHealthNumber FINationalID FINationalIDV2
FIPassportNumber FRDriversLicenseNumber FRHealthInsuranceNumber FRNationalID FRPassportNumber
FRSocialSecurityNumber FRTaxIdentificationNumber FRValueAddedTaxNumber GPE GRNationalIDCard
GRNationalIDV2 GRTaxIdentificationNumber GovernmentIssuedId HKIdentityCardNumber
HRIdentityCardNumber HRNationalIDNumber HRPersonalIdentificationNumber
HRPersonalIdentificationOIBNumberV2 HUPersonalIdentificationNumber HUTaxIdentificationNumber
HUValueAddedNumber IDIdentityCardNumber IEPersonalPublicServiceNumber
IEPersonalPublicServiceNumberV2 ILBankAccountNumber ILNationalID INPermanentAccount
INUniqueIdentificationNumber ITDriversLicenseNumber ITFiscalCode ITValueAddedTaxNumber
JPBankAccountNumber JPDriversLicenseNumber JPMyNumberCorporate JPMyNumberPersonal
JPPassportNumber JPResidenceCardNumber JPResidentRegistrationNumber JPSocialInsuranceNumber
KRDriversLicenseNumber KRPassportNumber KRResidentRegistrationNumber KRSocialSecurityNumber
LTPersonalCode LUNationalIdentificationNumberNatural LUNationalIdentificationNumberNonNatural
LVPersonalCode LicensePlate MTIdentityCardNumber MTTaxIDNumber MYIdentityCardNumber
NLCitizensServiceNumber NLCitizensServiceNumberV2 NLTaxIdentificationNumber
NLValueAddedTaxNumber NOIdentityNumber NZBankAccountNumber NZDriversLicenseNumber
NZInlandRevenueNumber NZMinistryOfHealthNumber NZSocialWelfareNumber NationalId Neighborhood
PHUnifiedMultiPurposeIDNumber PIN PLIdentityCard PLNationalID PLNationalIDV2 PLPassportNumber
PLREGONNumber PLTaxIdentificationNumber PTCitizenCardNumber PTCitizenCardNumberV2
PTTaxIdentificationNumber PassportNumber Password ROPersonalNumericalCode
RUPassportNumberDomestic RUPassportNumberInternational SANationalID SENationalID SENationalIDV2
SEPassportNumber SETaxIdentificationNumber SGNationalRegistrationIdentityCardNumber
SITaxIdentificationNumber SIUniqueMasterCitizenNumber SKPersonalNumber SQLServerConnectionString
SWIFTCode SortCode State THPopulationIdentificationCode TRNationalIdentificationNumber
TWNationalID TWPassportNumber TWResidentCertificate UAPassportNumberDomestic
UAPassportNumberInternational UKDriversLicenseNumber UKElectoralRollNumber
UKNationalHealthNumber UKNationalInsuranceNumber UKUniqueTaxpayerNumber URL USBankAccountNumber
USDriversLicenseNumber USIndividualTaxpayerIdentification USMedicareBeneficiaryId
USSocialSecurityNumber USUKPassportNumber VIN VehicleIdentificationNumber ZAIdentificationNumber
ZipCode
"""
UNSERVED = frozenset(_OTHERS.split())
"""Categories that are not found. Source: `PiiCategory` of azure-ai-textanalytics 6.0.0b3."""


def check_categories(field: str, names: Iterable[str] | None, groups: Sequence[str] = ()) -> None:
    """Check that names are categories of Azure, whether found by this server or not.

    Args:
        field: Where they are, for the message.
        names: Of the request.
        groups: Names of `GROUPS` that the field may have.

    Raises:
        InputError: A name is none of a category; it says which there are.
    """
    known = SERVED | UNSERVED | frozenset(groups)
    for name in names or ():
        if name not in known:
            shown = cut(name)
            close = get_close_matches(shown, sorted(known), n=1)
            question = f" Did you mean {close[0]!r}?" if close else ""
            raise InputError(
                f"{field}: {shown!a} is no category of personal data.{question} "
                f"Found by this server: {', '.join((*groups, *sorted(SERVED)))}. "
                "Others of Azure AI Language are accepted, but not found."
            )
