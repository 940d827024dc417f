import CofferModel

/// What `beginGetAccess` asks for, each value checked by itself.
struct DiskAccessSpecification: Sendable {
    /// The body of `beginGetAccess`.
    struct Body: Decodable {
        let access: String?
        let durationInSeconds: Int64?
        let fileFormat: String?
        let getSecureVMGuestStateSAS: Bool?
    }

    /// The longest time that an access lasts, in seconds: Azure's 60 days.
    static let longestDuration: Int64 = 60 * 86_400

    let level: DiskAccess.Level
    let duration: Duration

    /// - Throws: an ``APIError`` that names the first property that does not fit.
    init(_ body: Body) throws {
        guard let word = body.access, let level = DiskAccess.Level.allCases.first(where: { $0.rawValue.lowercased() == word.lowercased() }) else {
            throw APIError.invalidParameter("'access' must be Read, or Write for a disk that is to be uploaded.", target: "access")
        }
        guard let seconds = body.durationInSeconds, (1...Self.longestDuration).contains(seconds) else {
            throw APIError.invalidParameter(
                "'durationInSeconds' must be 1 to \(Self.longestDuration), 60 days.", target: "durationInSeconds")
        }
        if let format = body.fileFormat, !format.isEmpty, format.lowercased() != "vhd" {
            throw APIError.notServedYet("File formats other than VHD are", target: "fileFormat")
        }
        if body.getSecureVMGuestStateSAS == true { throw APIError.notServedYet("The guest state of confidential machines is", target: "getSecureVMGuestStateSAS") }
        self.level = level
        duration = .seconds(seconds)
    }
}
