"""Verification of an exported model: parity with torch, golden cases."""
