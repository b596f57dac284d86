//! Tokens -> list price: the dated table, model names, tiers and overrides.
