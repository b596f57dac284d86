//! Amounts, ages and error texts -> words: the only place.
