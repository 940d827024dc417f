/// What a template may be at most. The first group is what Azure publishes ("Template limits" of its best practices for templates); the second
/// bounds the work that a template can cause.
package enum TemplateLimits {
    package static let parameters = 256
    package static let variables = 256
    package static let outputs = 64
    /// Resources with their copies.
    package static let resources = 800
    package static let expressionLength = 24_576
    /// Elements that `range` makes.
    package static let range: Int64 = 10_000

    /// How deep objects and arrays may lie in each other.
    package static let documentDepth = 100
    /// How deep a value may be that an expression gives. A resource's body is at most this and the document's depth together, which every reader of JSON takes.
    package static let valueDepth = 100
    /// Bytes of a text that a function makes.
    package static let text = 1 << 20

    /// How deep calls may lie in each other in one expression.
    package static let expressionDepth = 100
    /// How deep evaluation may go through variables, parameters and functions.
    package static let evaluationDepth = 500
    /// Calls of functions in one deployment.
    package static let calls = 500_000
    /// Elements, members and characters that functions may go through in one deployment.
    package static let effort = 1 << 24
    /// What functions may make in one deployment, in bytes.
    package static let work = 32 << 20
}
