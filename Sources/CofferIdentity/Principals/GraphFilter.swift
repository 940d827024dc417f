import CofferModel

/// Which service principals a `$filter` of Microsoft Graph asks for.
struct GraphFilter {
    private let terms: [ODataFilter.Term]

    /// - Throws: ``APIError/unsupportedGraphFilter(_:)``.
    init(_ text: String?) throws(APIError) {
        guard let text, !text.isEmpty else {
            terms = []
            return
        }
        guard let filter = ODataFilter(text), filter.terms.allSatisfy(Self.isKnown) else {
            throw .unsupportedGraphFilter(text)
        }
        terms = filter.terms
    }

    func takes(_ principal: PrincipalRecord) -> Bool {
        terms.allSatisfy { term in
            switch term {
            case .equal(let property, let value): Self.value(of: property, principal)?.lowercased() == value.lowercased()
            case .call(_, let arguments):
                Self.value(of: arguments[0], principal)?.lowercased().hasPrefix(arguments[1].lowercased()) == true
            case .any(_, let value): principal.servicePrincipalNames.contains { $0.lowercased() == value.lowercased() }
            }
        }
    }

    private static func isKnown(_ term: ODataFilter.Term) -> Bool {
        switch term {
        case .equal(let property, _): isProperty(property)
        case .call(let name, let arguments): name.lowercased() == "startswith" && arguments.count == 2 && isProperty(arguments[0])
        case .any(let collection, _): collection.lowercased() == "serviceprincipalnames"
        }
    }

    private static func isProperty(_ name: String) -> Bool {
        ["id", "appid", "displayname", "serviceprincipaltype"].contains(name.lowercased())
    }

    private static func value(of property: String, _ principal: PrincipalRecord) -> String? {
        switch property.lowercased() {
        case "id": principal.objectID
        case "appid": principal.applicationID
        case "displayname": principal.displayName
        case "serviceprincipaltype": principal.servicePrincipalType
        default: nil
        }
    }
}
