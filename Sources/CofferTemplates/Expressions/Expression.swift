package import CofferModel

/// A template expression: what stands between the brackets of a string such as `[concat('a', parameters('b'))]`.
package indirect enum Expression: Equatable, Sendable {
    case literal(JSONValue)
    case call(Call)
    /// `value.name`
    case member(Expression, String)
    /// `value[index]`
    case element(Expression, Expression)

    /// A call of a built-in function, or of a user's if it has a namespace.
    package struct Call: Equatable, Sendable {
        package let namespace: String?
        package let name: String
        package let arguments: [Expression]

        /// As it was written.
        package var fullName: String { namespace.map { "\($0).\(name)" } ?? name }
    }

    /// Calls `body` with every call in this expression, the inner ones too.
    func forEachCall(_ body: (Call) throws -> Void) rethrows {
        switch self {
        case .literal: break
        case .call(let call):
            try body(call)
            for argument in call.arguments { try argument.forEachCall(body) }
        case .member(let value, _): try value.forEachCall(body)
        case .element(let value, let index):
            try value.forEachCall(body)
            try index.forEachCall(body)
        }
    }
}

/// What a string of a template is: text, or an expression.
enum TemplateString {
    case text(String)
    case expression(String)

    /// A string in brackets is an expression; two opening brackets stand for one that is text.
    init(_ text: String) {
        guard text.utf8.first == UInt8(ascii: "[") else {
            self = .text(text)
            return
        }
        if text.utf8.starts(with: "[[".utf8) {
            self = .text(String(text.dropFirst()))
        } else if text.utf8.last == UInt8(ascii: "]") {
            self = .expression(String(text.dropFirst().dropLast()))
        } else {
            self = .text(text)
        }
    }
}
