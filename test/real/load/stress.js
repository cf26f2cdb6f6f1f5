// JSON, Buffers, zlib, crypto, Maps, typed arrays, streams and workers; argument: rounds.
// Prints digests, which depend on nothing but the argument.
'use strict';
const crypto = require('crypto');
const zlib = require('zlib');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

let seed = 20231;
function random(limit) {   // the same numbers on every machine
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >> 8) % limit;
}

function word(letters) {
    let text = '';
    for (let i = 0; i < letters; i++) text += String.fromCharCode(97 + random(26));
    return text;
}

function show(what, data) {
    const digest = crypto.createHash('sha256').update(data).digest('hex').slice(0, 24);
    console.log(what, data.length, digest);
}

function tree(depth) {
    if (depth === 0) return { word: word(1 + random(30)), n: random(1000), list: [null, 1.5] };
    const node = {};
    for (let i = 0; i < 4; i++) node[word(5)] = [tree(depth - 1), word(random(9))];
    return node;
}

function json() {
    const text = JSON.stringify(tree(6), null, 1);
    show('json', text);
    if (JSON.stringify(JSON.parse(text), null, 1) !== text) throw new Error('JSON differs');
}

function buffers() {
    let kept = [];
    const digest = crypto.createHash('md5');
    for (let i = 0; i < 20000; i++) {
        const size = [10, 100, 3000, 70000][random(4)];
        const buffer = random(2) ? Buffer.alloc(size, i & 255)
            : Buffer.allocUnsafeSlow(size).fill(7);
        buffer.writeUInt32LE(i, random(size - 4));
        kept.push(buffer);
        if (kept.length > 300) {
            digest.update(Buffer.concat(kept.slice(0, 20)));
            kept = kept.filter((_, place) => place % 3 !== 0);
        }
    }
    console.log('buffers', kept.length, digest.digest('hex'));
}

function packing() {
    const data = Buffer.from(Array.from({ length: 60000 }, () => word(random(12))).join(' '));
    for (const level of [1, 6, 9]) {
        const packed = zlib.deflateSync(data, { level });
        show(`deflate ${level}`, packed);
        if (!zlib.inflateSync(packed).equals(data)) throw new Error('deflate differs');
    }
    const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 };
    const packed = zlib.brotliCompressSync(data, { params });
    show('brotli', packed);
    if (!zlib.brotliDecompressSync(packed).equals(data)) throw new Error('brotli differs');
    const cipher = crypto.createCipheriv('aes-256-gcm', Buffer.alloc(32, 1), Buffer.alloc(12, 2));
    show('aes', Buffer.concat([cipher.update(data), cipher.final(), cipher.getAuthTag()]));
    show('scrypt', crypto.scryptSync('neap', 'tide', 64, { N: 4096 }));
}

function collections() {
    const map = new Map();
    for (let i = 0; i < 200000; i++) {
        map.set(word(4), i);
        if (i % 5 === 0) map.delete(word(4));
    }
    show('map', [...map].sort().join(';'));
    const numbers = new Float64Array(400000).map(() => random(1 << 20));
    show('sort', Buffer.from(numbers.sort().buffer));
    show('regex', word(100000).replace(/([aeiou]+)([^aeiou]*)/g, '$2<$1>'));
}

function inWorkers(count) {
    return Promise.all(Array.from({ length: count }, (_, number) => new Promise((done, failed) => {
        const worker = new Worker(__filename, { workerData: number });
        worker.on('message', done);
        worker.on('error', failed);
    })));
}

async function main(rounds) {
    for (let round = 0; round < rounds; round++) {
        json();
        buffers();
        packing();
        collections();
        console.log('workers', (await inWorkers(6)).join(' '));
    }
}

if (isMainThread) {
    main(Number(process.argv[2])).catch(failure => { console.error(failure); process.exit(1); });
} else {
    seed = 1 + workerData;
    const text = JSON.stringify(tree(5));
    const packed = zlib.gzipSync(text.repeat(5));
    parentPort.postMessage(crypto.createHash('md5').update(packed).digest('hex'));
}
