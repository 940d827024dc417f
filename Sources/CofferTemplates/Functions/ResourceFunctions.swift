import CofferModel

/// Ids of resources, and what is read of resources while the deployment runs.
enum ResourceFunctions {
    static let all: [String: TemplateFunction] = [
        "resourceId": .inContext(2...FunctionTable.any) { arguments, evaluator, _ in
            let words = try arguments.strings()
            guard let position = words.firstIndex(where: { $0.contains("/") }), position <= 2 else {
                throw arguments.failure("none of its first three arguments is a resource type such as 'Microsoft.KeyVault/vaults'")
            }
            let scope = evaluator.facts.scope
            var (subscription, group) = (scope.subscription ?? "", scope.group)
            switch position {
            case 2: (subscription, group) = (words[0], words[1])
            case 1: if isGUID(words[0]) { subscription = words[0] } else { group = words[0] }
            default: break
            }
            let base = "/subscriptions/\(subscription)" + (group.map { "/resourceGroups/\($0)" } ?? "")
            return .string(try id(base, words[position], Array(words[(position + 1)...]), arguments))
        },
        "subscriptionResourceId": .inContext(2...FunctionTable.any) { arguments, evaluator, _ in
            let words = try arguments.strings()
            guard let position = words.firstIndex(where: { $0.contains("/") }), position <= 1 else {
                throw arguments.failure("neither of its first two arguments is a resource type such as 'Microsoft.Authorization/roleDefinitions'")
            }
            let subscription = position == 1 ? words[0] : evaluator.facts.scope.subscription ?? ""
            return .string(try id("/subscriptions/\(subscription)", words[position], Array(words[(position + 1)...]), arguments))
        },
        "tenantResourceId": .of(2...FunctionTable.any) { arguments in
            let words = try arguments.strings()
            return .string(try id("", words[0], Array(words.dropFirst()), arguments))
        },
        "extensionResourceId": .of(3...FunctionTable.any) { arguments in
            let words = try arguments.strings()
            let scope = words[0].hasSuffix("/") ? String(words[0].dropLast()) : words[0]
            return .string(try id(scope, words[1], Array(words.dropFirst(2)), arguments))
        },
        "reference": .inContext(1...3) { arguments, _, context in
            guard let runtime = context.runtime else { throw TemplateFailure.notHere(arguments.name) }
            return try runtime.reference(
                try arguments.string(0), apiVersion: try arguments.optionalString(1), isFull: try isFull(arguments, 2))
        },
        "references": .inContext(1...3) { arguments, _, context in
            guard let runtime = context.runtime else { throw TemplateFailure.notHere(arguments.name) }
            return try runtime.references(
                try arguments.string(0), apiVersion: try arguments.optionalString(1), isFull: try isFull(arguments, arguments.count - 1))
        },
        // What az writes into the templates of scale sets. Every type takes each version since its oldest one, and this is not older than any.
        "providers": .of(2...2) { arguments in
            ["resourceType": .string(try arguments.string(1)), "locations": [], "apiVersions": ["2024-07-01"]]
        },
        "pickZones": .of(3...5) { arguments in
            throw arguments.failure("it is not supported: Coffer's regions have no availability zones to pick from. Name the zones, or leave them out")
        },
    ]

    /// Any `list…` function.
    static let list = TemplateFunction.inContext(2...3) { arguments, _, context in
        guard let runtime = context.runtime else { throw TemplateFailure.notHere(arguments.name) }
        return try runtime.list(
            arguments.name, try arguments.string(0), apiVersion: try arguments.string(1), body: arguments.count == 3 ? .some(arguments[2]) : .none)
    }

    private static func isFull(_ arguments: FunctionArguments, _ index: Int) throws -> Bool {
        guard index >= 1, let word = try arguments.optionalString(index) else { return false }
        if word.lowercased() == "full" { return true }
        guard index == 1 else { throw arguments.failure("its last argument can only be 'Full'") }
        return false
    }

    private static func isGUID(_ text: String) -> Bool {
        text.split(separator: "-", omittingEmptySubsequences: false).map(\.count) == [8, 4, 4, 4, 12] && text.allSatisfy { $0 == "-" || $0.isHexDigit }
    }

    /// `{base}/providers/{namespace}/{type}/{name}/…`
    private static func id(_ base: String, _ type: String, _ names: [String], _ arguments: FunctionArguments) throws -> String {
        let words = type.split(separator: "/").map(String.init)
        guard words.count - 1 == names.count, !names.contains(where: \.isEmpty) else {
            throw arguments.failure("the type '\(type.prefix(120))' takes \(max(1, words.count - 1)) names and was given \(names.count)")
        }
        if base.hasPrefix("/subscriptions/"), type.lowercased() == "microsoft.resources/resourcegroups" {
            return base.split(separator: "/").prefix(2).reduce(into: "") { $0 += "/\($1)" } + "/resourceGroups/\(names[0])"
        }
        return zip(words.dropFirst(), names).reduce(into: "\(base)/providers/\(words[0])") { $0 += "/\($1.0)/\($1.1)" }
    }
}
