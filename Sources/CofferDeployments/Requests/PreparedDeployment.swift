import CofferModel
import CofferPlatform
import CofferTemplates

/// What is known of a deployment before it runs, all of it values, so that another task can make the same plan again.
struct PreparedDeployment: Sendable {
    let id: ResourceID
    let body: DeploymentBody
    let template: Template
    /// The values of all parameters by name in lower case, secrets among them. Never stored.
    let parameters: [String: JSONValue]
    let facts: DeploymentFacts
    let surroundings: ResourceSurroundings
    let shown: Shown

    /// What the record keeps and answers have.
    struct Shown: Sendable {
        let parameters: JSONValue
        let providers: JSONValue
        let dependencies: JSONValue
        let templateHash: String
    }

    /// The scope that it deploys to.
    var scope: ResourceID { facts.scope }

    /// - Parameter masksSecrets: Whether asterisks stand in the place of secret parameters.
    func plan(masksSecrets: Bool = false) throws -> DeploymentPlan {
        try DeploymentPlan(template: template, given: parameters, facts: facts, masksSecrets: masksSecrets)
    }
}
