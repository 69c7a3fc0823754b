"""WAF: web ACLs for CloudFront with rules that limit the requests of each IP address.

app         the API over HTTP
operations  one handler per operation
models      the state
rules       what a web ACL's rules may contain
rates       counts requests, and finds the addresses with too many
"""
