"""What tests of an integration use: targets and client scenarios."""
