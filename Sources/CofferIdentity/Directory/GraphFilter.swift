import CofferModel

/// Which objects of a collection a `$filter` of Microsoft Graph asks for, by the properties that clients see.
struct GraphFilter: Sendable {
    private let terms: [ODataFilter.Term]

    /// Equality and beginnings of these are known; of the collections whether they hold a value.
    private static let properties: Set = [
        "id", "appid", "displayname", "serviceprincipaltype", "userprincipalname", "mailnickname", "mail", "accountenabled",
        "securityenabled", "mailenabled",
    ]
    private static let collections: Set = ["serviceprincipalnames", "identifieruris"]

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

    /// - Parameter object: As Microsoft Graph shows it.
    func takes(_ object: JSONValue) -> Bool {
        terms.allSatisfy { term in
            switch term {
            case .equal(let property, let value): Self.text(object, property) == value.lowercased()
            case .call(_, let arguments): Self.text(object, arguments[0])?.hasPrefix(arguments[1].lowercased()) == true
            case .any(let collection, let value):
                Self.value(object, collection)?.array?.contains { $0.string?.lowercased() == value.lowercased() } == true
            }
        }
    }

    private static func isKnown(_ term: ODataFilter.Term) -> Bool {
        switch term {
        case .equal(let property, _): properties.contains(property.lowercased())
        case .call(let name, let arguments):
            name.lowercased() == "startswith" && arguments.count == 2 && properties.contains(arguments[0].lowercased())
        case .any(let collection, _): collections.contains(collection.lowercased())
        }
    }

    private static func value(_ object: JSONValue, _ property: String) -> JSONValue? {
        object.object?.first { $0.key.lowercased() == property.lowercased() }?.value
    }

    /// A property's value in lower case, also of one that is true or false.
    private static func text(_ object: JSONValue, _ property: String) -> String? {
        let value = value(object, property)
        return value?.string?.lowercased() ?? value?.bool.map { $0 ? "true" : "false" }
    }
}
