package import CofferPlatform

/// An installation without images of virtual machines.
package struct NoImages: PlatformImages {
    package init() {}

    package func images() async throws -> [PlatformImage] { [] }
}
