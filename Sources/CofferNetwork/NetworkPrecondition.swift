import CofferModel
import CofferPlatform

/// What a request says of the state in which a resource must be for it to be done (RFC 9110, sections 13.1.1 and 13.1.2).
enum NetworkPrecondition: Sendable {
    case none
    /// `If-Match`: it is there with one of these ETags; `*` stands for any.
    case match([String])
    /// `If-None-Match: *`: it is not there.
    case absent

    init(_ request: APIRequest) {
        if let tags = request.headers["if-match"] {
            self = .match(tags.split(separator: ",").map { $0.filter { !$0.isWhitespace } })
        } else if request.headers["if-none-match"]?.filter({ !$0.isWhitespace }) == "*" {
            self = .absent
        } else {
            self = .none
        }
    }

    /// - Throws: ``APIError`` with status 412.
    func check(_ record: NetworkRecord?, _ id: ResourceID) throws {
        let holds = switch self {
        case .none: true
        case .match(let tags): record.map { tags.contains("*") || tags.contains($0.shownETag) } ?? false
        case .absent: record == nil
        }
        guard holds else { throw APIError.networkPreconditionFailed(id) }
    }
}

extension NetworkRecord {
    /// As Azure writes ETags: weak ones.
    var shownETag: String { "W/\"\(etag)\"" }
}
