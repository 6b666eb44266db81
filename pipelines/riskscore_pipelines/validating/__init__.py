"""The validation report: one page about one model, built from its run alone. A section that is missing fails the build."""
