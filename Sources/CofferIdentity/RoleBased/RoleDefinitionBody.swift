import CofferModel

/// The body of a PUT of a custom role. `az` and older clients send more; it is passed over.
struct RoleDefinitionBody: Decodable {
    struct Permission: Decodable {
        let actions: [String]?
        let notActions: [String]?
        let dataActions: [String]?
        let notDataActions: [String]?
        let condition: String?
    }

    struct Properties: Decodable {
        let roleName: String
        let description: String?
        let type: String?
        let permissions: [Permission]?
        let assignableScopes: [String]?
    }

    let properties: Properties

    /// What the body says, checked by itself.
    struct Checked: Sendable {
        let name: String
        let description: String
        let actions: [String]
        let notActions: [String]
        let dataActions: [String]
        let notDataActions: [String]
        let assignableScopes: [ResourceID]
    }

    /// The most patterns in one list of a role.
    static let maximumPatternCount = 2048

    /// - Parameter subscription: The one that there is; scopes lie in it.
    /// - Throws: ``APIError`` naming what a custom role cannot have.
    func checked(subscription: ResourceID) throws(APIError) -> Checked {
        let name = properties.roleName
        let isName = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        guard (1...512).contains(name.count), name.utf8.count <= 2048, name.contains(where: { !$0.isWhitespace }), isName else {
            throw .invalidRoleDefinition("roleName has 1 to 512 characters, none of them a control character", "roleName")
        }
        guard (properties.description ?? "").count <= 2048 else {
            throw .invalidRoleDefinition("description has 2048 characters at most", "description")
        }
        if let type = properties.type, !type.isEmpty, type.lowercased() != "customrole" {
            throw .invalidRoleDefinition("the type of a role that is defined here is CustomRole", "type")
        }
        guard let permissions = properties.permissions, permissions.count == 1 else {
            throw .invalidRoleDefinition("permissions is an array with one element", "permissions")
        }
        guard permissions[0].condition?.isEmpty != false else { throw .conditionNotSupported() }
        let scopes = try Self.scopes(properties.assignableScopes ?? [], subscription: subscription)
        return Checked(
            name: name, description: properties.description ?? "",
            actions: try Self.patterns(permissions[0].actions, "actions"),
            notActions: try Self.patterns(permissions[0].notActions, "notActions"),
            dataActions: try Self.patterns(permissions[0].dataActions, "dataActions"),
            notDataActions: try Self.patterns(permissions[0].notDataActions, "notDataActions"), assignableScopes: scopes
        )
    }

    private static func scopes(_ texts: [String], subscription: ResourceID) throws(APIError) -> [ResourceID] {
        guard !texts.isEmpty, texts.count <= 100 else {
            throw .invalidRoleDefinition("assignableScopes names 1 to 100 scopes", "assignableScopes")
        }
        var scopes: [ResourceID] = []
        for text in texts {
            // The root is for built-in roles.
            guard text.hasPrefix("/"), let scope = ResourceID(text), subscription.contains(scope), scope.extendedScope == nil else {
                throw .invalidAssignableScope(text, subscription: subscription)
            }
            if !scopes.contains(scope) { scopes.append(scope) }
        }
        return scopes
    }

    /// `*`, or a namespace and what follows it: `Microsoft.KeyVault/vaults/*/read`, `*/read`.
    private static func patterns(_ texts: [String]?, _ property: String) throws(APIError) -> [String] {
        let texts = texts ?? []
        guard texts.count <= maximumPatternCount else {
            throw .invalidRoleDefinition("\(property) has \(maximumPatternCount) elements at most", property)
        }
        for text in texts {
            let isSpelled = text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: "./*-_$".utf8.contains(byte)
                }
            }
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let isWhole = text == "*" || parts.count >= 2 && parts.allSatisfy { !$0.isEmpty }
            guard isSpelled, isWhole, text.utf8.count <= 512 else { throw .invalidAction(text, property) }
        }
        return texts
    }
}
