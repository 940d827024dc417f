package import CofferModel

/// A resource of a deployment, of a loop one turn, as it is known before anything runs.
package struct PlannedResource: Sendable {
    /// Its symbolic name, if the template gives such; that of its loop, without the index.
    package let symbol: String?
    /// The loop that made it, with its turn.
    package let turn: EvaluationContext.Turn?
    package let id: ResourceID
    /// With the types of its parents, such as `Microsoft.KeyVault/vaults/secrets`.
    package let type: String
    package let apiVersion: String
    /// Whether it is only referred to.
    package let isExisting: Bool
    /// What its condition gives.
    package let isWanted: Bool
    /// As it is in the template, without what is for the template alone.
    let body: JSONValue
    /// As they are written.
    let dependsOn: [String]
    /// The parent that it lies in.
    let parent: Int?
    /// Resources that have to be deployed before it, by their positions in the plan.
    package fileprivate(set) var dependencies: Set<Int> = []

    /// Whether it is a deployment.
    package var isDeployment: Bool { type.lowercased() == "microsoft.resources/deployments" }

    mutating func add(_ dependencies: some Sequence<Int>) { self.dependencies.formUnion(dependencies) }

    /// Members that are for the template, not for the resource.
    static let templateMembers: Set<String> = [
        "name", "type", "apiversion", "dependson", "condition", "copy", "comments", "scope", "resources", "existing", "resourcegroup", "subscriptionid",
        "metadata",
    ]
}
