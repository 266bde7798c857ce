"""SQL text, parsed once: the services' statements are few, and each is run again and again."""

from functools import lru_cache

from sqlalchemy import TextClause, text


@lru_cache(maxsize=4096)
def statement(sql: str) -> TextClause:
    """The statement of a text with `:name` parameters."""
    return text(sql)
