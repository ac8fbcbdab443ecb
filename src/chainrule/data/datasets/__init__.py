"""Data sets: drawn in the plane, digits and pairs of them, cars, tables of one's own."""
