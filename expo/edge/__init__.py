"""HTTP plumbing: server, middlewares, typed wire, pages, languages. Knows no product and no table; decides nothing."""
