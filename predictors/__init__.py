"""Pure statistics: arrival predictors and keep-alive policies."""
