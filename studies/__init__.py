"""Research that uses the product: each folder asks one question and answers it with a page."""
