"""The store on shared SQLAlchemy Core tables: state, journal, projections, ledger, audit, one transaction."""
