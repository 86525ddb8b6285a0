"""The numbers of a text by value, however they are written: digits, scale words, months, numerals."""
