import CofferModel
import CofferPlatform

/// Answers in the envelope of Microsoft Graph (OData 4 JSON).
struct GraphAnswer: Sendable {
    let settings: IdentitySettings

    /// One object of a collection such as `users`.
    func one(_ value: JSONValue, of collection: String, status: Int = 200) throws -> APIResponse {
        guard case .object(var members) = value else { return try .json(value, status: status) }
        members["@odata.context"] = .string(context("\(collection)/$entity"))
        return try .json(JSONValue.object(members), status: status)
    }

    /// A page of a collection, with where the next one is.
    func page(_ page: DirectoryPage, of collection: String, _ request: APIRequest) throws -> APIResponse {
        var members: [String: JSONValue] = ["@odata.context": .string(context(collection)), "value": .array(page.values)]
        if let next = page.next {
            var query: [String] = []
            for (name, value) in request.query where name.lowercased() != "$skiptoken" {
                query.append("\(Self.escaped(name))=\(Self.escaped(value))")
            }
            query.append("$skiptoken=\(Self.escaped(next))")
            members["@odata.nextLink"] = .string("\(settings.authority)/v1.0/\(collection)?" + query.joined(separator: "&"))
        }
        return try .json(JSONValue.object(members))
    }

    func list(_ values: [JSONValue], of collection: String = "directoryObjects") throws -> APIResponse {
        try .json(["@odata.context": .string(context(collection)), "value": .array(values)] as JSONValue)
    }

    /// Ids alone.
    func ids(_ ids: [String]) throws -> APIResponse {
        try list(ids.map { .string($0) }, of: "Collection(Edm.String)")
    }

    func object(_ object: DirectoryObject) -> JSONValue {
        switch object {
        case .user(let user): user.graphJSON
        case .group(let group): group.graphJSON
        case .servicePrincipal(let principal): principal.graphJSON(tenantID: settings.tenantID)
        }
    }

    private func context(_ collection: String) -> String {
        "\(settings.authority)/v1.0/$metadata#\(collection)"
    }

    /// Percent-encoded but for the unreserved characters of RFC 3986 and `$`.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "$"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                escaped += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return escaped
    }
}
