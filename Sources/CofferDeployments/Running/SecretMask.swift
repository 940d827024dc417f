import CofferModel
import CofferTemplates

/// Takes the values of secret parameters out of what is written down of a deployment: a refusal may quote what was refused.
struct SecretMask: Sendable {
    /// Shorter texts than this are no secrets, and are found in every sentence.
    private static let shortest = 4

    private let secrets: [String]

    init(_ prepared: PreparedDeployment) {
        var secrets: Set<String> = []
        for (key, declaration) in prepared.template.parameters where prepared.template.isSecure(declaration) {
            Self.collect(prepared.parameters[key] ?? .null, into: &secrets)
        }
        // The longest first, so that what one holds of another does not hide it.
        self.secrets = secrets.sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
    }

    private static func collect(_ value: JSONValue, into secrets: inout Set<String>) {
        switch value {
        case .string(let text): if text.count >= shortest { secrets.insert(text) }
        case .array(let elements): for element in elements { collect(element, into: &secrets) }
        case .object(let members): for inner in members.values { collect(inner, into: &secrets) }
        default: break
        }
    }

    func masked(_ error: APIError) -> APIError {
        APIError(
            status: error.status, code: masked(error.code), message: masked(error.message), target: error.target.map(masked), innerCode: error.innerCode,
            headers: error.headers)
    }

    private func masked(_ text: String) -> String { secrets.reduce(text) { $0.replacing($1, with: "*******") } }
}
