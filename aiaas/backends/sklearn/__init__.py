"""scikit-learn: texts as n-grams under a linear model, rows as columns."""
