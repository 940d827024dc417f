/// An action of a role definition, in which `*` stands for any characters, slashes among them (contract section 3.3).
/// Compared without regard to case.
struct ActionPattern: Hashable, Sendable {
    let text: String
    private let bytes: [UInt8]

    init(_ text: String) {
        self.text = text
        bytes = Array(text.lowercased().utf8)
    }

    /// Whether `action` is one of those meant. Takes time in proportion to the product of the lengths at most.
    func matches(_ action: String) -> Bool {
        let action = Array(action.lowercased().utf8)
        var position = 0
        var next = 0
        // Where to try again: after the last `*`, with one more byte given to it.
        var retry: (next: Int, position: Int)?
        while position < action.count {
            if next < bytes.count, bytes[next] == UInt8(ascii: "*") {
                next += 1
                retry = (next, position)
            } else if next < bytes.count, bytes[next] == action[position] {
                next += 1
                position += 1
            } else if let again = retry {
                retry = (again.next, again.position + 1)
                next = again.next
                position = again.position + 1
            } else {
                return false
            }
        }
        return bytes[next...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

extension ActionPattern: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self.init(value) }
}
