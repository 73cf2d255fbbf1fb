"""HTTP requests and replies on their way: headers, bodies and the connection to the provider."""
