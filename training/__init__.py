"""How the verifier that ships with the package was made: data, splits, rules, training. Not installed."""
