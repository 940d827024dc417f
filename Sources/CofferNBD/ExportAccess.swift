import CofferCrypto

/// Which exports a client may open.
enum ExportAccess: Equatable, CustomStringConvertible {
    case none
    case only(String)
    case any

    /// A certificate is for the export that its subject's common name names, or, named `*`, for all.
    init(of certificate: Certificate) {
        switch certificate.subject.commonName {
        case nil: self = .none
        case "*": self = .any
        case let name?: self = .only(name)
        }
    }

    func allows(_ export: String) -> Bool {
        switch self {
        case .none: false
        case .only(let name): name == export
        case .any: true
        }
    }

    var description: String {
        switch self {
        case .none: "no export"
        case .only(let name): "the export \(name)"
        case .any: "all exports"
        }
    }
}
