/// The version of an image, `MAJOR.MINOR.PATCH`, as Azure has it: three numbers below 2³¹ without leading zeros.
package struct ImageVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let major: Int32
    package let minor: Int32
    package let patch: Int32

    /// - Returns: Nil if one of the numbers is negative.
    package init?(_ major: Int32, _ minor: Int32, _ patch: Int32) {
        guard major >= 0, minor >= 0, patch >= 0 else { return nil }
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// - Returns: Nil if `text` is no version.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 32 else { return nil }
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false).compactMap { Int32($0) }
        guard numbers.count == 3, let version = ImageVersion(numbers[0], numbers[1], numbers[2]), version.description == text else { return nil }
        self = version
    }

    package var description: String { "\(major).\(minor).\(patch)" }

    package static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }
}
