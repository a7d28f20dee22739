"""Everything one server owns: accounts, journal, faults, effects, snapshots."""
