import {
  type Algorithm,
  artifact,
  type Content,
  descriptor,
  fresh,
  image,
  index,
  nonce,
  TYPES,
} from "../judge/content.ts";

const BIG = 4 * 1024 * 1024;

/** Every form that a manifest may take, made anew for each case. */
export const KINDS: Readonly<Record<string, (algorithm: Algorithm) => Content>> = {
  image: (algorithm) => image({ algorithm }),
  "image with gzip layers": (algorithm) => image({ algorithm, layerType: TYPES.gzipLayer }),
  "image without layers": (algorithm) => image({ algorithm, layers: [] }),
  "image of one layer twice": (algorithm) => {
    const layer = fresh();
    return image({ algorithm, layers: [layer, layer] });
  },
  "image without mediaType": (algorithm) => image({ algorithm, fields: { mediaType: undefined } }),
  "image with annotations": (algorithm) =>
    image({ algorithm, fields: { annotations: { "org.opencontainers.image.title": 'ä ☃ \u0000 \\ "', empty: "" } } }),
  "image with unknown fields": (algorithm) =>
    image({ algorithm, fields: { "org.example.unknown": { deep: [1, null, 1.5e3] }, z: nonce(), a: "before" } }),
  "image with a data field": (algorithm) => {
    const config = Buffer.from(JSON.stringify({ os: "linux", nonce: nonce() }));
    const described = { ...descriptor(TYPES.config, config, algorithm), data: config.toString("base64") };
    return image({ algorithm, config, fields: { config: described } });
  },
  "image with a layer that is elsewhere": (algorithm) => {
    const layer = { ...descriptor(TYPES.foreignLayer, fresh(), algorithm), urls: ["https://store.example.com/layer"] };
    return image({ algorithm, layers: [], fields: { layers: [layer] } });
  },
  "image, indented": (algorithm) => image({ algorithm, indent: 3 }),
  "image with white space behind": (algorithm) => {
    const content = image({ algorithm });
    return { ...content, bytes: Buffer.concat([content.bytes, Buffer.from("\r\n \t\n")]) };
  },
  "image with keys in another order": (algorithm) => {
    const content = image({ algorithm });
    const fields = Object.entries(JSON.parse(content.bytes.toString()) as Record<string, unknown>);
    return { ...content, bytes: Buffer.from(JSON.stringify(Object.fromEntries(fields.reverse()))) };
  },
  "image of almost 4 MiB": (algorithm) => sized(algorithm, BIG - 10),
  "image of 4 MiB": (algorithm) => sized(algorithm, BIG),
  "image that has a subject": (algorithm) =>
    image({ algorithm, fields: { subject: descriptor(TYPES.image, fresh(), algorithm) } }),
  artifact: (algorithm) => artifact(TYPES.artifact, { algorithm }),
  "artifact without layers": (algorithm) =>
    artifact(TYPES.artifact, { algorithm, layers: [Buffer.from("{}")], layerType: TYPES.empty }),
  "artifact with a config of its own": (algorithm) =>
    artifact(TYPES.artifact, { algorithm, config: fresh(100), configType: TYPES.artifact }),
  "artifact by its config only": (algorithm) =>
    image({ algorithm, config: fresh(50), configType: TYPES.artifact, layerType: "text/plain" }),
  "artifact that has a subject": (algorithm) =>
    artifact(TYPES.artifact, { algorithm, fields: { subject: descriptor(TYPES.image, fresh(), algorithm) } }),
  index: (algorithm) => index([image({ algorithm }), image({ algorithm })], { algorithm }),
  "index of an index": (algorithm) => index([index([image({ algorithm })], { algorithm })], { algorithm }),
  "empty index": (algorithm) => index([], { algorithm }),
  "index without mediaType": (algorithm) =>
    index([image({ algorithm })], { algorithm, fields: { mediaType: undefined } }),
  "index of artifacts": (algorithm) =>
    index([artifact(TYPES.artifact, { algorithm })], { algorithm, fields: { artifactType: TYPES.artifact } }),
  "index that has a subject": (algorithm) =>
    index([], { algorithm, fields: { subject: descriptor(TYPES.image, fresh(), algorithm) } }),
  "Docker image": (algorithm) => docker(algorithm),
  "Docker list": (algorithm) =>
    index([docker(algorithm), docker(algorithm)], { algorithm, mediaType: TYPES.dockerList }),
};

function docker(algorithm: Algorithm): Content {
  const types = { mediaType: TYPES.dockerImage, configType: TYPES.dockerConfig, layerType: TYPES.dockerLayer };
  return image({ algorithm, ...types });
}

/** An image whose manifest has exactly so many bytes. */
export function sized(algorithm: Algorithm, size: number): Content {
  const layers = [fresh()];
  const config = Buffer.from(JSON.stringify({ nonce: nonce() }));
  const filled = (padding: number) =>
    image({ algorithm, layers, config, fields: { annotations: { padding: "A".repeat(padding) } } });
  return filled(size - filled(0).bytes.length);
}
