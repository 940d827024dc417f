package import CofferModel

/// Answers the functions whose values are known only while a deployment runs.
package protocol RuntimeReader {
    /// - Parameters:
    ///   - target: A resource id, a name, or a symbolic name.
    ///   - isFull: Whether the whole resource is wanted, not only its properties.
    /// - Throws: ``TemplateFailure``, or ``RuntimeUnknown`` if the value has to be fetched first, which is remembered.
    func reference(_ target: String, apiVersion: String?, isFull: Bool) throws -> JSONValue
    /// The resources of a loop by its symbolic name.
    func references(_ symbol: String, apiVersion: String?, isFull: Bool) throws -> JSONValue
    /// `list…`: an action of a resource that reveals something, such as `listKeys`.
    func list(_ function: String, _ target: String, apiVersion: String, body: JSONValue?) throws -> JSONValue
    /// Whether something was asked that has to be fetched.
    var isWaiting: Bool { get }
    /// What has to be fetched, which is then forgotten.
    func takeQuestions() -> [RuntimeQuestion]
}

/// A value is not known yet. Evaluation goes on elsewhere, to find all that has to be fetched.
package struct RuntimeUnknown: Error {
    package init() {}
}

/// Values that evaluation needs and that have to be fetched; then evaluation begins anew.
package struct RuntimeNeeded: Error, Sendable {
    package let questions: [RuntimeQuestion]
}

/// What is asked of the world while a deployment runs.
package enum RuntimeQuestion: Hashable, Sendable {
    case resource(ResourceID, apiVersion: String)
    /// `body` is JSON text.
    case list(String, ResourceID, apiVersion: String, body: String?)
}
