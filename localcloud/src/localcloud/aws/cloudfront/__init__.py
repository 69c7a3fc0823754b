"""CloudFront: distributions with one cache behavior, their functions, and VPC origins.

app               the API over HTTP
operations        one handler per operation
configuration     a distribution's configuration, checked and reduced to what routes requests
models            the state
thread            opens a port for each distribution
edge              the way of a request from a port to the function and the origin
messages          headers and error pages
metrics           what a request counts as. Pure
function_events   requests as events of functions, and results of functions as responses
function_runtime  runs functions
"""
