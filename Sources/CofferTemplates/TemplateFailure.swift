package import CofferModel

/// Why a template cannot be read, evaluated or planned, and where in it.
///
/// Its message never quotes a value, for a value may be a secret.
package struct TemplateFailure: Error, Equatable, Sendable {
    /// A code of Azure Resource Manager's, such as `InvalidTemplate`.
    package let code: String
    package let message: String
    /// The members and indices from the outside in.
    package private(set) var path: [String]

    package init(_ message: String, code: String = "InvalidTemplate", path: [String] = []) {
        self.code = code
        self.message = message
        self.path = path
    }

    /// The same failure as seen from one level further out.
    package func inside(_ step: String) -> TemplateFailure {
        var outer = self
        outer.path.insert(step, at: 0)
        return outer
    }

    /// The place as text, such as `resources[0].properties.sku`.
    package var place: String {
        path.reduce(into: "") { text, step in
            if !text.isEmpty, !step.hasPrefix("[") { text += "." }
            text += step
        }
    }

    package var apiError: APIError {
        let place = place
        return APIError(
            status: 400, code: code,
            message: "Deployment template validation failed: '\(message)'" + (place.isEmpty ? "." : ", at '\(place.prefix(300))'."),
            target: place.isEmpty ? nil : String(place.prefix(300)))
    }
}

extension TemplateFailure {
    /// Runs `body` and names `step` in the place of what it throws.
    static func at<R>(_ step: @autoclosure () -> String, _ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let failure as TemplateFailure {
            throw failure.inside(step())
        }
    }
}
