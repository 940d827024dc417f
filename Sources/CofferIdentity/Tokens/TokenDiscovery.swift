import CofferModel

/// The documents by which clients find the token service's endpoints.
struct TokenDiscovery: Sendable {
    let settings: IdentitySettings

    /// OpenID Connect discovery (OpenID Connect Discovery 1.0 section 3).
    ///
    /// - Parameter version: 1 or 2. As at Entra the issuer of version 2 names this authority, and that of version 1 is
    ///   `iss` of the tokens.
    func configuration(version: Int) -> JSONValue {
        let base = "\(settings.authority)/\(settings.tenantID)"
        let suffix = version == 2 ? "/v2.0" : ""
        return [
            "issuer": .string(version == 2 ? base + "/v2.0" : settings.issuer),
            "authorization_endpoint": .string("\(base)/oauth2\(suffix)/authorize"),
            "token_endpoint": .string("\(base)/oauth2\(suffix)/token"),
            "device_authorization_endpoint": .string("\(base)/oauth2\(suffix)/devicecode"),
            "end_session_endpoint": .string("\(base)/oauth2\(suffix)/logout"),
            "jwks_uri": .string("\(base)/discovery\(suffix)/keys"),
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "grant_types_supported": ["client_credentials", "password", "refresh_token"],
            "response_types_supported": ["token"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "claims_supported": [
                "aud", "iss", "iat", "nbf", "exp", "appid", "idtyp", "oid", "sub", "tid", "uti", "ver", "upn", "name", "preferred_username",
            ],
            "request_uri_parameter_supported": false,
            "http_logout_supported": false,
            "tenant_region_scope": .null,
            "cloud_instance_name": .string(host),
            "cloud_graph_host_name": .string(host),
            "msgraph_host": .string(host),
        ]
    }

    /// The answer to a client that asks where a person's password belongs: here, whoever that is.
    func realm(of user: String) -> JSONValue {
        let domain = user.split(separator: "@").last.map(String.init) ?? ""
        return [
            "ver": "1.0", "account_type": "Managed", "domain_name": .string(String(domain.prefix(256))), "cloud_instance_name": .string(host),
            "cloud_audience_urn": "urn:federation:MicrosoftOnline",
        ]
    }

    /// The answer to a client that asks whether this authority is genuine.
    var instance: JSONValue {
        [
            "tenant_discovery_endpoint": .string(
                "\(settings.authority)/\(settings.tenantID)/v2.0/.well-known/openid-configuration"
            ),
            "api-version": "1.1",
            "metadata": [
                ["preferred_network": .string(host), "preferred_cache": .string(host), "aliases": [.string(host)]]
            ],
        ]
    }

    private var host: String {
        settings.authority.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first.map(String.init) ?? ""
    }
}
