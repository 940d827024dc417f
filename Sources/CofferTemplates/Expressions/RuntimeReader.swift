package import CofferModel

/// Answers the functions whose values are known only while a deployment runs.
package protocol RuntimeReader {
    /// - Parameters:
    ///   - target: A resource id, a name, or a symbolic name.
    ///   - isFull: Whether the whole resource is wanted, not only its properties.
    /// - Throws: ``TemplateFailure``, or ``RuntimeNeeded`` if the value has to be fetched first.
    func reference(_ target: String, apiVersion: String?, isFull: Bool) throws -> JSONValue
    /// The resources of a loop by its symbolic name.
    func references(_ symbol: String, apiVersion: String?, isFull: Bool) throws -> JSONValue
    /// `list…`: an action of a resource that reveals something, such as `listKeys`.
    func list(_ function: String, _ target: String, apiVersion: String, body: JSONValue?) throws -> JSONValue
}

/// A value that evaluation needs and that has to be fetched; then evaluation begins anew.
package struct RuntimeNeeded: Error, Hashable, Sendable {
    package let question: RuntimeQuestion

    package init(_ question: RuntimeQuestion) { self.question = question }
}

/// What is asked of the world while a deployment runs.
package enum RuntimeQuestion: Hashable, Sendable {
    case resource(ResourceID, apiVersion: String)
    /// `body` is JSON text.
    case list(String, ResourceID, apiVersion: String, body: String?)
}
