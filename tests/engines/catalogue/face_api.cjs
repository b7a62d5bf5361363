// Runs face-api's own face recognition network: node face_api.cjs FACE_API_JS MANIFEST SHARD PIXELS
// PIXELS holds float32 (N, 150, 150, 3), RGB, 0 to 255; prints the N embeddings as JSON.
const fs = require('fs');
const vm = require('vm');

const [script, manifestPath, shardPath, pixelsPath] = process.argv.slice(2);
const buffer = (path) => new Uint8Array(fs.readFileSync(path)).buffer;

// A context without `process` and `window`: the library then asks neither Node nor a browser.
const context = vm.createContext({
  console, performance, setTimeout, TextEncoder, TextDecoder, ArrayBuffer,
  Float32Array, Int32Array, Uint8Array, Uint16Array, Uint8ClampedArray,
});
context.self = context;
const faceapi = vm.runInContext(`${fs.readFileSync(script, 'utf8')}\n;faceapi`, context);
class Nothing {}
faceapi.env.setEnv({
  Canvas: Nothing, Image: Nothing, ImageData: Nothing, Video: Nothing,
});
const { tf } = faceapi;
tf.env().setPlatform('plain', {
  isTypedArray: (array) => ArrayBuffer.isView(array),
  now: () => performance.now(),
  encode: (text) => new TextEncoder().encode(text),
  decode: (bytes) => new TextDecoder().decode(bytes),
});

(async () => {
  await tf.setBackend('cpu');
  const manifest = JSON.parse(fs.readFileSync(manifestPath, 'utf8'));
  const network = new faceapi.FaceRecognitionNet();
  network.loadFromWeightMap(tf.io.decodeWeights(buffer(shardPath), manifest[0].weights));
  const pixels = new Float32Array(buffer(pixelsPath));
  const images = tf.tensor(pixels, [pixels.length / (150 * 150 * 3), 150, 150, 3]);
  const embeddings = [];
  for (const image of tf.unstack(images)) {
    const output = await network.forward(tf.expandDims(image));
    embeddings.push(Array.from(await output.data()));
  }
  console.log(JSON.stringify(embeddings));
})();
