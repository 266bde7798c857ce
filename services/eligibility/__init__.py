"""Who a person is, what departments say about them, and on which days it held."""
