import CofferModel
import CofferTemplates

/// The body of a request that deploys, validates or asks what would be: read tolerantly, for `az` splices the template's file into it as it is.
struct DeploymentBody {
    enum Mode: String, Codable, Sendable {
        case incremental = "Incremental"
        case complete = "Complete"
    }

    /// A parameter as it is given.
    enum Parameter {
        case value(JSONValue)
        /// A secret of a vault, which the server reads.
        case secret(name: String, version: String?, vault: ResourceID)
    }

    let mode: Mode
    let template: JSONValue
    /// By name as it was given.
    let parameters: [String: Parameter]
    let location: String?
    let tags: [String: String]
    /// Of a request for what would be: whether resources are wanted by id alone.
    let wantsIDsOnly: Bool

    /// Members of `properties` that ask for nothing, or for what is done anyway.
    private static let known = ["mode", "template", "parameters", "debugsetting", "expressionevaluationoptions", "validationlevel", "whatifsettings"]

    /// - Throws: ``TemplateFailure`` for text that cannot be read, ``APIError`` for what is not supported.
    init(_ bytes: [UInt8]) throws { try self.init(try TemplateReader.read(bytes)) }

    init(_ body: JSONValue) throws {
        guard let properties = body.member("properties"), case .object(let members) = properties else {
            throw APIError.invalidRequestContent("'properties' is missing")
        }
        for link in ["templateLink", "parametersLink"] where properties.member(link) != nil && properties.member(link) != .null {
            throw APIError.linkNotSupported(link)
        }
        if let rollback = properties.member("onErrorDeployment"), rollback != .null { throw APIError.rollbackNotSupported() }
        if let level = properties.member("debugSetting")?.member("detailLevel")?.string, level.lowercased() != "none" { throw APIError.debuggingNotSupported() }
        if let unknown = members.keys.sorted().first(where: { name in
            let value = members[name] ?? .null
            return !Self.known.contains(name.lowercased()) && value != .null && value != [:] && value != []
        }) {
            throw APIError.deploymentPropertyNotSupported(unknown)
        }
        guard let template = properties.member("template"), template != .null else { throw APIError.invalidRequestContent("'properties.template' is missing") }
        self.template = template
        let mode = properties.member("mode")?.string ?? Mode.incremental.rawValue
        guard let known = [Mode.incremental, .complete].first(where: { $0.rawValue.lowercased() == mode.lowercased() }) else {
            throw APIError.invalidRequestContent("'properties.mode' must be Incremental or Complete")
        }
        self.mode = known
        location = body.member("location")?.string
        tags = try Tags.checked((body.member("tags")?.object ?? [:]).compactMapValues(\.string))
        wantsIDsOnly = properties.member("whatIfSettings")?.member("resultFormat")?.string?.lowercased() == "resourceidonly"
        var parameters: [String: Parameter] = [:]
        if let given = properties.member("parameters"), given != .null {
            guard case .object(let values) = given else { throw APIError.invalidRequestContent("'properties.parameters' is not an object") }
            // A whole parameters file has them one level further in.
            let isFile = given.member("$schema") != nil && given.member("parameters") != nil
            for (name, parameter) in isFile ? given.member("parameters")?.object ?? [:] : values {
                parameters[name] = try Self.parameter(name, parameter)
            }
        }
        self.parameters = parameters
    }

    private static func parameter(_ name: String, _ given: JSONValue) throws -> Parameter {
        if let reference = given.member("reference"), reference != .null {
            guard let secret = reference.member("secretName")?.string, let text = reference.member("keyVault")?.member("id")?.string,
                let vault = ResourceID(text), vault.isType("Microsoft.KeyVault/vaults")
            else {
                throw APIError.invalidRequestContent("the reference of parameter '\(name.prefix(100))' needs keyVault.id, the id of a vault, and secretName")
            }
            return .secret(name: secret, version: reference.member("secretVersion")?.string, vault: vault)
        }
        guard let value = given.member("value") else {
            throw APIError.invalidRequestContent("parameter '\(name.prefix(100))' has neither 'value' nor 'reference'")
        }
        return .value(value)
    }
}
