import CofferModel
import CofferTemplates

/// Answers `reference` and `list…` of a deployment from what was fetched, and asks for what was not.
final class RuntimeAnswers: RuntimeReader {
    private let plan: DeploymentPlan
    private var known: [RuntimeQuestion: Result<JSONValue, APIError>] = [:]
    private var open: Set<RuntimeQuestion> = []

    init(plan: DeploymentPlan) { self.plan = plan }

    func keep(_ answers: [RuntimeQuestion: Result<JSONValue, APIError>]) { known.merge(answers) { _, new in new } }

    /// Forgets what was known of a resource, which is another now.
    func forget(_ id: ResourceID) {
        for question in known.keys {
            switch question {
            case .resource(let asked, _) where asked == id, .list(_, let asked, _, _) where asked == id: known[question] = nil
            default: break
            }
        }
    }

    var isWaiting: Bool { !open.isEmpty }

    func takeQuestions() -> [RuntimeQuestion] {
        defer { open = [] }
        return Array(open)
    }

    func reference(_ target: String, apiVersion: String?, isFull: Bool) throws -> JSONValue {
        let (id, version) = try resolved(target, apiVersion, "reference")
        return try shown(try answer(.resource(id, apiVersion: version)), isFull)
    }

    func references(_ symbol: String, apiVersion: String?, isFull: Bool) throws -> JSONValue {
        let indices = plan.indices(ofLoop: symbol)
        guard !indices.isEmpty else { throw TemplateFailure("The template function 'references' is not valid: no resources have the symbolic name '\(symbol.prefix(100))'") }
        let found = indices.map { index in
            let resource = plan.resources[index]
            return Result { try shown(try answer(.resource(resource.id, apiVersion: apiVersion ?? resource.apiVersion)), isFull) }
        }
        return .array(try found.map { try $0.get() })
    }

    func list(_ function: String, _ target: String, apiVersion: String, body: JSONValue?) throws -> JSONValue {
        let (id, version) = try resolved(target, apiVersion, function)
        let text = try body.map { String(decoding: try JSON.encode($0), as: UTF8.self) }
        return try answer(.list(function, id, apiVersion: version, body: text))
    }

    private func resolved(_ target: String, _ apiVersion: String?, _ function: String) throws -> (ResourceID, String) {
        if let index = plan.index(of: target) {
            let resource = plan.resources[index]
            return (resource.id, apiVersion ?? resource.apiVersion)
        }
        guard target.hasPrefix("/"), let id = ResourceID(target), id.subscription != nil || id.namespace != nil else {
            throw TemplateFailure(
                "The template function '\(function)' is not valid: the template has no resource '\(target.prefix(200))', and it is no resource id")
        }
        guard let apiVersion else {
            throw TemplateFailure(
                "The template function '\(function)' is not valid: the api-version is required for '\(id.typeAndName)', which the template does not deploy")
        }
        return (id, apiVersion)
    }

    private func answer(_ question: RuntimeQuestion) throws -> JSONValue {
        guard let answer = known[question] else {
            open.insert(question)
            throw RuntimeUnknown()
        }
        switch answer {
        case .success(let value): return value
        case .failure(let error): throw TemplateFailure(error.message, code: error.code)
        }
    }

    private func shown(_ resource: JSONValue, _ isFull: Bool) throws -> JSONValue {
        isFull ? resource : resource.member("properties") ?? [:]
    }
}
