"""Documents as copied parts and passages to translate: plain text, HTML, Markdown."""
