import CofferModel
import CofferPlatform

/// What Azure tells of a region: sizes of machines, `Microsoft.Compute/skus`, and the images of its publishers.
struct LocationsRoutes: Sendable {
    static let type = "locations"
    static let skusType = "skus"

    let images: any PlatformImages
    let region: String
    let usage: ComputeUsage

    /// `Microsoft.Compute/skus`, of which `$filter=location eq 'x'` is understood.
    func skus(_ request: ARMRequest) throws -> APIResponse {
        guard request.http.method == .get else { throw APIError.methodNotAllowed(request.http.method.rawValue, Self.skusType) }
        let filter = request.http.parameter("$filter")?.lowercased().filter { !$0.isWhitespace }
        let wanted = filter.flatMap { $0.hasPrefix("locationeq'") ? Location.canonical(String($0.dropFirst(11).prefix { $0 != "'" })) : nil }
        let location = wanted ?? region
        return try .json(ResourceList(value: MachineSize.all.map { MachineSizeSKU($0, location: location) }))
    }

    /// - Parameter path: The segments after `locations`.
    func handle(_ request: ARMRequest, path: [String]) async throws -> APIResponse {
        guard request.http.method == .get || request.http.method == .head else {
            throw APIError.methodNotAllowed(request.http.method.rawValue, Self.type)
        }
        guard let location = path.first.map(Location.canonical) else { throw APIError.computeTypeNotServed(request.path) }
        let rest = path.dropFirst().map { $0.lowercased() }
        if rest == ["vmsizes"] { return try .json(ResourceList(value: MachineSize.all.map(MachineSizeResource.init))) }
        if rest == ["usages"] { return try .json(ResourceList(value: try await usage.all(in: request.subscription, location: location))) }
        guard rest.first == "publishers", let values = Self.values(Array(path.dropFirst())) else { throw APIError.computeTypeNotServed(request.path) }
        let found = try await images.images().filter { image in
            let names = [image.publisher, image.offer, image.sku, image.version]
            return zip(names, values.names).allSatisfy { $0.lowercased() == $1.lowercased() }
        }
        if values.names.count == 4 {
            guard let image = found.first else { throw APIError.imageNotFound(values.names.joined(separator: ":")) }
            return try .json(document(image, request, location))
        }
        return try .json(list(found, depth: values.names.count, request, location))
    }

    /// The names in `publishers/P/artifacttypes/vmimage/offers/O/skus/S/versions/V`, as far as it goes.
    private static func values(_ path: [String]) -> (names: [String], isList: Bool)? {
        let types = ["publishers", "artifacttypes", "offers", "skus", "versions"]
        var names: [String] = []
        for (index, word) in path.enumerated() {
            let place = index / 2
            guard place < types.count else { return nil }
            if index % 2 == 0 {
                guard word.lowercased() == types[place] else { return nil }
            } else if place == 1 {
                guard word.lowercased() == "vmimage" else { return nil }
            } else {
                names.append(word)
            }
        }
        return (names, path.count % 2 == 1)
    }

    /// The different names at one place of the images, each once; of versions the newest first if `$orderby` says so.
    private func list(_ images: [PlatformImage], depth: Int, _ request: ARMRequest, _ location: String) -> [JSONValue] {
        let isDescending = request.http.parameter("$orderby")?.lowercased().contains("desc") ?? false
        let top = request.http.parameter("$top").flatMap { Int($0) } ?? Int.max
        let isExpanded = request.http.parameter("$expand") != nil
        var seen: Set<String> = []
        var documents: [JSONValue] = []
        let sorted = images.sorted { first, second in
            let (a, b) = (first.names.prefix(depth).map { $0.lowercased() }, second.names.prefix(depth).map { $0.lowercased() })
            if a != b { return a.lexicographicallyPrecedes(b) }
            guard depth == 3 else { return first.names.lexicographicallyPrecedes(second.names) }
            return first.versionNumbers.lexicographicallyPrecedes(second.versionNumbers)
        }
        for image in isDescending ? sorted.reversed() : sorted {
            let name = image.names[min(depth, 3)]
            guard seen.insert(name.lowercased()).inserted, documents.count < top else { continue }
            let id = image.idText(subscription: request.subscription, location: location)
            if depth == 3, isExpanded {
                documents.append(document(image, request, location))
            } else {
                let end = id.ranges(of: "/").dropFirst(8 + 2 * depth + (depth > 0 ? 2 : 0)).first?.lowerBound ?? id.endIndex
                documents.append(["id": .string(String(id[..<end])), "name": .string(name), "location": .string(location)])
            }
        }
        return documents
    }

    private func document(_ image: PlatformImage, _ request: ARMRequest, _ location: String) -> JSONValue {
        let gibibytes = DiskSize.gibibytes(of: image.byteCount)
        return [
            "id": .string(image.idText(subscription: request.subscription, location: location)), "name": .string(image.version),
            "location": .string(location),
            "properties": [
                "hyperVGeneration": .string(image.generation), "architecture": "x64", "plan": nil,
                "osDiskImage": [
                    "operatingSystem": .string(image.osType), "sizeInGb": .int(Int64(clamping: gibibytes)),
                    "sizeInBytes": .int(Int64(clamping: image.byteCount)),
                ],
                "dataDiskImages": [], "features": [], "automaticOSUpgradeProperties": ["automaticOSUpgradeSupported": false],
            ],
        ]
    }
}

extension PlatformImage {
    fileprivate var names: [String] { [publisher, offer, sku, version] }
}
