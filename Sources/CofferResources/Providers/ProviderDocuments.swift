import CofferModel
import CofferPlatform

/// Resource providers as `az provider list|show|register` sees them. All are registered from the start.
struct ProviderDocuments {
    let settings: ResourcesSettings
    let providers: [any ResourceProvider]

    /// What the resource manager itself answers for, beside its providers.
    static let ownTypes = [
        "Microsoft.Resources": [ResourceTypeDescription("resourceGroups", since: "2014-04-01"), ResourceTypeDescription("tags", since: "2019-10-01")]
    ]

    /// Whether the namespace is the resource manager's own, of which a provider may answer for a part.
    private static func isOwn(_ namespace: String) -> Bool { namespace.lowercased() == "microsoft.resources" }

    var all: JSONValue {
        ["value": .array(providers.filter { !Self.isOwn($0.namespace) }.map(document) + [resources])]
    }

    func document(for namespace: String) throws -> JSONValue {
        if Self.isOwn(namespace) { return resources }
        guard let provider = providers.first(where: { $0.namespace.lowercased() == namespace.lowercased() }) else {
            throw APIError.unknownNamespace(namespace, served: providers.map(\.namespace))
        }
        return document(provider)
    }

    /// What roles can allow in a namespace. It needs no permission: whoever may write roles must be able to read it.
    ///
    /// - Throws: ``APIError/unknownNamespace(_:served:)`` also for a provider that lists nothing.
    func operations(of namespace: String) throws -> APIResponse {
        let listed = providers.filter { !$0.operations.isEmpty }
        guard let provider = listed.first(where: { $0.namespace.lowercased() == namespace.lowercased() }) else {
            throw APIError.unknownNamespace(namespace, served: listed.map(\.namespace))
        }
        return try .json(OperationList(value: provider.operations))
    }

    private struct OperationList: Encodable {
        let value: [ProviderOperation]
    }

    private func document(_ provider: any ResourceProvider) -> JSONValue {
        [
            "id": .string("/subscriptions/\(settings.subscriptionID)/providers/\(provider.namespace)"),
            "namespace": .string(provider.namespace),
            "registrationState": "Registered",
            "registrationPolicy": "RegistrationFree",
            "resourceTypes": .array(provider.types.map { type in
                [
                    "resourceType": .string(type.type),
                    "locations": .array(Regions.names.map { .string($0) }),
                    "apiVersions": [.string(type.since)],
                    "defaultApiVersion": .string(type.since),
                ]
            }),
        ]
    }

    private var resources: JSONValue {
        [
            "id": .string("/subscriptions/\(settings.subscriptionID)/providers/Microsoft.Resources"),
            "namespace": "Microsoft.Resources",
            "registrationState": "Registered",
            "registrationPolicy": "RegistrationFree",
            "resourceTypes": .array(
                [
                    ["resourceType": "resourceGroups", "locations": .array(Regions.names.map { .string($0) }), "apiVersions": ["2021-04-01"]],
                    ["resourceType": "tags", "locations": [], "apiVersions": ["2021-04-01"]],
                ] + providers.filter { Self.isOwn($0.namespace) }.flatMap(\.types).map { type in
                    ["resourceType": .string(type.type), "locations": [], "apiVersions": [.string(type.since)]]
                }),
        ]
    }
}

extension APIError {
    /// 404 for a namespace that Coffer does not serve, with those that it does.
    static func unknownNamespace(_ namespace: String, served: [String]) -> APIError {
        APIError(
            status: 404, code: "InvalidResourceNamespace",
            message: "The resource namespace '\(namespace)' is invalid here. Coffer serves " + served.joined(separator: ", ") + "."
        )
    }
}
