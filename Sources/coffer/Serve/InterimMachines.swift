import CofferModel
import CofferPlatform
import Foundation

struct InterimImages: PlatformImages {
    func images() async throws -> [PlatformImage] {
        guard let path = ProcessInfo.processInfo.environment["COFFER_IMAGE"], let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64 else { return [] }
        return [PlatformImage(publisher: "Debian", offer: "debian-12", sku: "12-gen2", version: "12.1.0", osType: "Linux", generation: "V2", byteCount: size, path: path)]
    }
}
