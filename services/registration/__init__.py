"""Who is enrolled, what is due and who pays it, from when cover runs: packages, units, rosters, enrolments, cover."""
