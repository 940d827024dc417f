package import CofferCore
package import CofferModel

/// What expressions can ask of the deployment that they belong to.
package struct DeploymentFacts: Sendable {
    /// A subscription or a resource group.
    package let scope: ResourceID
    package let tenantID: String
    /// `subscription()`
    package let subscription: JSONValue
    /// `resourceGroup()`; nil at the scope of a subscription.
    package let resourceGroup: JSONValue?
    /// `deployment()`
    package let deployment: JSONValue
    /// `deployer()`
    package let deployer: JSONValue
    /// `environment()`
    package let environment: JSONValue
    /// `utcNow()`
    package let now: Timestamp

    package init(
        scope: ResourceID, tenantID: String, subscription: JSONValue, resourceGroup: JSONValue?, deployment: JSONValue, deployer: JSONValue,
        environment: JSONValue, now: Timestamp
    ) {
        self.scope = scope
        self.tenantID = tenantID
        self.subscription = subscription
        self.resourceGroup = resourceGroup
        self.deployment = deployment
        self.deployer = deployer
        self.environment = environment
        self.now = now
    }
}
