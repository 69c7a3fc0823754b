// The edge's viewer-request function: it makes the server discoverable for MCP clients.
//
// It answers the metadata requests of the MCP authorization specification, and refuses requests
// without a token, or with one that has expired, with a 401 that names the metadata. An SDK client
// with the URL, the client id and the secret then finds the token endpoint by itself. Nothing is
// verified here: the database checks every token.
//
// SETTINGS, which the deployment puts in front of this file, has tokenUrl, authorizeUrl, jwksUrl
// and mcpPath.
//
// Sources: RFC 9728 (protected resource metadata), RFC 8414 (authorization server metadata),
// RFC 6750 section 3 (WWW-Authenticate), and "CloudFront Functions event structure" in the Amazon
// CloudFront Developer Guide. The runtime is cloudfront-js-2.0.

const RESOURCE_METADATA = '/.well-known/oauth-protected-resource';
const SERVER_METADATA = '/.well-known/oauth-authorization-server';

function handler(event) {
    const request = event.request;
    const origin = 'https://' + request.headers.host.value;
    const path = request.uri;
    if (request.method === 'GET' || request.method === 'HEAD') {
        if (path === RESOURCE_METADATA || path === RESOURCE_METADATA + SETTINGS.mcpPath) {
            return metadata(protectedResource(origin));
        }
        if (path === SERVER_METADATA) {
            return metadata(authorizationServer(origin));
        }
    }
    // A browser sends no token with a preflight request.
    if (path !== SETTINGS.mcpPath || request.method === 'OPTIONS') {
        return request;
    }
    const authorization = request.headers.authorization;
    if (!authorization) {
        return unauthorized(origin, '', 'A token is required');
    }
    if (expired(authorization.value, Date.now() / 1000)) {
        return unauthorized(origin, 'invalid_token', 'The access token expired');
    }
    return request;
}

function protectedResource(origin) {
    return {
        resource: origin + SETTINGS.mcpPath,
        authorization_servers: [origin],
        bearer_methods_supported: ['header']
    };
}

// Without scopes_supported: a client would request all of them, and Cognito issues no token if it
// lacks one. Without scopes in the request, Cognito grants the client's own.
function authorizationServer(origin) {
    return {
        issuer: origin,
        authorization_endpoint: SETTINGS.authorizeUrl,
        token_endpoint: SETTINGS.tokenUrl,
        jwks_uri: SETTINGS.jwksUrl,
        response_types_supported: ['code'],
        grant_types_supported: ['client_credentials'],
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
        code_challenge_methods_supported: ['S256']
    };
}

function metadata(content) {
    return {
        statusCode: 200,
        statusDescription: 'OK',
        headers: {
            'content-type': { value: 'application/json' },
            'cache-control': { value: 'max-age=300' },
            'access-control-allow-origin': { value: '*' }
        },
        body: { encoding: 'text', data: JSON.stringify(content) }
    };
}

function unauthorized(origin, error, description) {
    const location = origin + RESOURCE_METADATA + SETTINGS.mcpPath;
    const details = error ? 'error="' + error + '", error_description="' + description + '", ' : '';
    return {
        statusCode: 401,
        statusDescription: 'Unauthorized',
        headers: {
            'www-authenticate': { value: 'Bearer ' + details + 'resource_metadata="' + location + '"' },
            'content-type': { value: 'text/plain' },
            'cache-control': { value: 'no-store' }
        },
        // Clients that don't read the challenge show the body.
        body: { encoding: 'text', data: description + '. Where to get one: ' + location }
    };
}

// Whatever isn't a JWT with a time is left to the server.
function expired(authorization, now) {
    const parts = authorization.split('.');
    if (parts.length !== 3) {
        return false;
    }
    try {
        const claims = JSON.parse(Buffer.from(parts[1], 'base64url').toString('utf8'));
        return typeof claims.exp === 'number' && claims.exp <= now;
    } catch (error) {
        return false;
    }
}
