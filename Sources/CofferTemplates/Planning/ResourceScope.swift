import CofferModel

/// Finds the id of a resource from its type, its name and the members that move it elsewhere.
struct ResourceScope {
    let evaluator: Evaluator
    let context: EvaluationContext

    func id(of body: JSONValue, type: String, name: String) throws -> ResourceID {
        let types = type.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let names = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard types.count >= 2, types[0].contains("."), !types.contains(where: \.isEmpty) else {
            throw TemplateFailure("The type '\(type.prefix(120))' of a resource is no namespace and type such as 'Microsoft.KeyVault/vaults'")
        }
        guard types.count == names.count + 1, !names.contains(where: \.isEmpty) else {
            throw TemplateFailure(
                "The resource '\(name.prefix(120))' of the type '\(type.prefix(120))' has incorrect segment lengths: its name has \(names.count) "
                    + "segments and its type asks for \(types.count - 1)")
        }
        let base = try scope(of: body, type: type)
        if type.lowercased() == "microsoft.resources/resourcegroups" {
            guard let subscription = evaluator.facts.scope.subscription, evaluator.facts.scope.group == nil else {
                throw TemplateFailure("A resource group is deployed at the scope of a subscription: `az deployment sub create`")
            }
            return ResourceID(subscription: subscription, group: names[0])
        }
        let path = zip(types.dropFirst(), names).reduce(into: "\(base)/providers/\(types[0])") { $0 += "/\($1.0)/\($1.1)" }
        guard let id = ResourceID(path), id.text.utf8.count <= 1024 else { throw TemplateFailure("The resource '\(name.prefix(120))' has a name that makes no id") }
        return id
    }

    /// The text of the id that the resource lies under or extends, without a slash at its end.
    private func scope(of body: JSONValue, type: String) throws -> String {
        let own = evaluator.facts.scope
        if body.member("scope") == nil {
            let subscription = try text(body.member("subscriptionId"), "subscriptionId") ?? own.subscription ?? ""
            if let group = try text(body.member("resourceGroup"), "resourceGroup") { return "/subscriptions/\(subscription)/resourceGroups/\(group)" }
            if body.member("subscriptionId") != nil { return "/subscriptions/\(subscription)" }
        }
        guard let scope = try text(body.member("scope"), "scope") else { return own.text }
        if scope == "/" { return "" }
        let whole = scope.hasPrefix("/") ? scope : "\(own.text)/providers/\(scope)"
        guard let id = ResourceID(whole) else { throw TemplateFailure("The scope '\(scope.prefix(200))' of a resource is no id") }
        return id.text
    }

    private func text(_ json: JSONValue?, _ what: String) throws -> String? {
        guard let json, json != .null else { return nil }
        return try evaluator.string(json, what, in: context)
    }
}
