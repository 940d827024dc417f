import CofferModel

/// Refusals of deployments.
extension APIError {
    /// 404: no deployment of this name at this scope.
    static func deploymentNotFound(_ name: String) -> APIError {
        APIError(status: 404, code: "DeploymentNotFound", message: "Deployment '\(name.prefix(100))' could not be found. `az deployment group list` and `az deployment sub list` show those that there are.")
    }

    /// 400: deployments are at subscriptions and groups.
    static func deploymentScopeNotSupported() -> APIError {
        APIError(
            status: 400, code: "InvalidDeploymentScope",
            message: "Templates are deployed to a resource group or to the subscription: `az deployment group create` or `az deployment sub create`.")
    }

    /// 404: no operation of this id in the deployment.
    static func deploymentOperationNotFound(_ id: String) -> APIError {
        APIError(status: 404, code: "DeploymentOperationNotFound", message: "Deployment operation '\(id.prefix(100))' could not be found.")
    }

    /// 400: a name that no deployment can have.
    static func invalidDeploymentName() -> APIError {
        APIError(
            status: 400, code: "InvalidDeploymentName",
            message: "The name of a deployment has 1 to 64 characters: letters, digits, '-', '_', '.', '(' and ')'.")
    }

    /// 400: a deployment at the scope of a subscription has to be somewhere.
    static func deploymentLocationMissing() -> APIError {
        APIError(
            status: 400, code: "LocationRequired", message: "The 'location' property is required for a deployment at the scope of a subscription.",
            target: "location")
    }

    /// 409: the location of a deployment is fixed.
    static func deploymentLocationFixed(_ name: String, _ location: String) -> APIError {
        APIError(
            status: 409, code: "InvalidDeploymentLocation",
            message: "The deployment '\(name)' exists in location '\(location)' already: use that location or another name.")
    }

    /// 409: it runs.
    static func deploymentActive(_ name: String) -> APIError {
        APIError(
            status: 409, code: "DeploymentActive",
            message: "The deployment '\(name)' is running: wait for its end, or `az deployment group cancel` (or `sub cancel`) it first.")
    }

    /// 409: it does not run, so it cannot be canceled.
    static func deploymentNotRunning(_ name: String, _ state: String) -> APIError {
        APIError(
            status: 409, code: "DeploymentCannotBeCancelled",
            message: "The deployment '\(name)' cannot be canceled, because its state is '\(state)' already.")
    }

    /// 400: nothing is fetched from elsewhere.
    static func linkNotSupported(_ link: String) -> APIError {
        APIError(
            status: 400, code: "InvalidTemplateDeployment",
            message: "'\(link)' is not supported: Coffer fetches nothing from elsewhere. Send the content itself, which `az deployment … --template-file` does.",
            target: "properties.\(link)")
    }

    /// 400: nothing is deployed again after a failure.
    static func rollbackNotSupported() -> APIError {
        APIError(
            status: 400, code: "InvalidTemplateDeployment",
            message: "'onErrorDeployment' is not supported: deploy the earlier template again yourself.", target: "properties.onErrorDeployment")
    }

    /// 400: the contents of requests are not kept.
    static func debuggingNotSupported() -> APIError {
        APIError(
            status: 400, code: "InvalidTemplateDeployment",
            message: "'debugSetting' is not supported: the contents of requests may be secrets and are not kept.", target: "properties.debugSetting")
    }

    /// 400: something that would change what is deployed.
    static func deploymentPropertyNotSupported(_ name: String) -> APIError {
        APIError(
            status: 400, code: "InvalidTemplateDeployment", message: "The property '\(name.prefix(60))' of a deployment is not supported.",
            target: "properties.\(name.prefix(60))")
    }

    /// 400: complete mode is for groups alone.
    static func completeModeNotSupported() -> APIError {
        APIError(
            status: 400, code: "InvalidDeploymentMode", message: "Complete mode is for resource groups: a deployment at the scope of a subscription is Incremental.",
            target: "properties.mode")
    }

    /// 400: a secret of a vault for a parameter that would show it.
    static func secretForPlainParameter(_ name: String) -> APIError {
        APIError(
            status: 400, code: "InvalidTemplate",
            message: "The parameter '\(name.prefix(100))' refers to a secret of a vault and is not of the type securestring or secureObject, which keep it secret.")
    }

    /// 400: a namespace that nobody here answers for.
    static func templateNamespaceNotServed(_ id: ResourceID, _ served: [String]) -> APIError {
        APIError(
            status: 400, code: "InvalidResourceNamespace",
            message: "The resource namespace '\(id.namespace ?? "")' of '\(id.typeAndName)' is invalid here. Coffer serves \(served.joined(separator: ", ")).",
            target: id.text)
    }

    /// 400: a type that its namespace does not have here.
    static func templateTypeNotServed(_ id: ResourceID, _ types: [String]) -> APIError {
        APIError(
            status: 400, code: "InvalidResourceType",
            message: "The resource type '\(id.resourceType ?? "")' could not be found. Its namespace has here: \(types.joined(separator: ", ")).",
            target: id.text)
    }

    /// 400: an api-version that the type does not have.
    static func templateVersionNotServed(_ id: ResourceID, _ version: String, since: String) -> APIError {
        APIError(
            status: 400, code: "NoRegisteredProviderFound",
            message: "The api-version '\(version.prefix(40))' of '\(id.typeAndName)' is not supported: use \(since) or a later one.", target: id.text)
    }
}
