package import CofferModel

/// Where an expression stands, and what is known there alone.
package struct EvaluationContext {
    package enum Place {
        /// The only place where `newGuid` and `utcNow` are allowed.
        case parameterDefault
        case variable
        case resource
        case output
    }

    /// A turn of a copy loop.
    package struct Turn: Sendable {
        package let name: String
        package let index: Int64
    }

    package var place: Place
    /// The turn that `copyIndex()` without a name means.
    package var turn: Turn?
    /// The turns of the loops over properties around the expression, the innermost last.
    package var innerTurns: [Turn] = []
    /// The values of `lambdaVariables`.
    package var lambdaVariables: [String: JSONValue] = [:]
    /// In a user's function: its own parameters, by name in lower case. Nothing else of the template is seen there.
    package var functionParameters: [String: JSONValue]?
    /// Nil where values of the running deployment are not to be had: in names, conditions, variables.
    package var runtime: (any RuntimeReader)?
    /// Whether an expression that cannot be evaluated stands for itself, where what would be is told.
    package var keepsUnknown = false

    package init(_ place: Place, turn: Turn? = nil, runtime: (any RuntimeReader)? = nil) {
        self.place = place
        self.turn = turn
        self.runtime = runtime
    }
}
